"""What is claimed to be fast, measured."""
