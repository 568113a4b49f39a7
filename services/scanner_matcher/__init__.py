"""Scanner V4 Matcher: what an image is vulnerable to."""
