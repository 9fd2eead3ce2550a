"""What every service tells of itself in the same way."""
