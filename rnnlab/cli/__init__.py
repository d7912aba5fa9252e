"""The command rnnlab: a file per verb."""
