"""The window around the rooms: docks, menus, workspaces, the first page."""
