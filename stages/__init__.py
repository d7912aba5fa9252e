"""The verbs of the pipeline: one thin file per DVC stage, flags and files in, files out."""
