"""The command rnnlab: its flags, and what each verb does."""
