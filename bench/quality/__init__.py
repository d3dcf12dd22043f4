"""`bench quality`: a call on a network that becomes bad and good again. How soon is it seen, and what is done?"""
