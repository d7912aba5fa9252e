"""SimpleRNN and LSTM compared honestly: the nouns of the pipeline, in rooms that import downwards only."""
