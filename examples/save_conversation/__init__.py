"""What was said in each call, on disk while it is said, and still there after a kill -9?"""
