"""What the controller and the speaker share as programs: logs, the monitoring port, an orderly end."""
