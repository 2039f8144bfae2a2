"""The window around the rooms: docks, menus, workspaces, the start page."""
