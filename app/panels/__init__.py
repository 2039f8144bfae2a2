"""The panels of the window. Each lays out, listens to the session and computes nothing."""
