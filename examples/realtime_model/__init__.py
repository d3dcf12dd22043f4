"""The same call with a speech-to-speech model (OpenAI Realtime): what has to change in the agent?"""
