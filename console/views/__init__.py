"""How things look in a terminal: functions of plain data that return what Rich can print."""
