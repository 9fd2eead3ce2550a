"""Who is speaking: the host site's customer tokens, our conversation bearers, and the tokens we give to actions."""
