"""The pipeline: from raw logs of any system to leak-free rows, point in time, the same for training and live."""
