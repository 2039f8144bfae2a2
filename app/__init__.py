"""The window. It knows ``core``; nothing knows it.

Requests go down (panel → work → generator), results come up (events → widgets). Panels do not know each other.
"""
