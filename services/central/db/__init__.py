"""The generic store of Central: protobuf messages with extracted search columns in PostgreSQL."""
