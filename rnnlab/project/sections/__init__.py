"""The sections of params.yaml, by what they are about; each rejects unknown keys."""
