"""Whether the hub would start: its configuration is loaded with the packages of the chart's hub image."""
