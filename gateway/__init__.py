"""The only public door: who speaks, what may pass, in which order, and what is remembered of it."""
