"""Custom actions: they read slots, call binding, and name the reply. No SQL, no sentences, no authority."""
