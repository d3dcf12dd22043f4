from cli.app import main
from examples.save_conversation.agent import service

main(service)
