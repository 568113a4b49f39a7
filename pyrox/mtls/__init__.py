"""Service certificates: the CA, leaf certificates, identities in their subjects, reload."""
