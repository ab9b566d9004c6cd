"""The gate behind `up`: is the gateway that runs the one that the stack file describes?"""
