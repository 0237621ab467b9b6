"""Texts that try to be more than text."""

MARKUP = """</script><script>alert(1)</script><img src=x onerror=alert(2)> "quoted" 'so' & {{ 7*7 }} `${1}`"""
RIGHT_TO_LEFT = "‮gnihtyna שלום עולם"
LONG = "p" * 10_000
EVERYTHING = f"{MARKUP} {RIGHT_TO_LEFT} \x00\x1b[31m {LONG}"
