"""What does a caller hear, and when? A caller for the command line that plays a file and tells the times."""
