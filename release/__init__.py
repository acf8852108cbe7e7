"""What a release is made of: the lock, its licences, and the list of what is in it."""
