"""Speed and size, as ratios to what this machine can do at most; never asserted as seconds."""
