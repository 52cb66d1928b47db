"""The cluster: kubectl, the release, the database of the hub, the robot student, and what is wrong there."""
