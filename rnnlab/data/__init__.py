"""The user's files: read, screened, split and checked."""
