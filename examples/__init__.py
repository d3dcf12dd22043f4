"""What can be built on the template, ready to be copied?"""
