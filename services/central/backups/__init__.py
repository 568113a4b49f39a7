"""Backup of Central's database and keys, and the restore of such a backup."""
