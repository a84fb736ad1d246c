//! Profile, columns, encoders, split, CSV writer: what SageMaker accepts, decided without I/O
