"""What builds, trains and runs the project: set-up, secrets, training and the process stack."""
