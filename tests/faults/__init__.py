"""What is killed, stopped and cut off, and that it costs nothing."""
