"""What the tests of several folders, and the measurements in lab/, share."""
