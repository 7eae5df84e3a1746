"""What is wrong with somebody's models, in one go: each check is tried on the real server, each finding has its fix.

`examination` is the whole; `servers`, `embedding` and `chatting` are its parts, `findings` is what they say.
Nothing is believed that can be tried: the window by sending longer and longer texts, the order of a batch by
comparing it with single texts, a cut by counting.
"""

from search.doctor.examination import examine
from search.doctor.findings import Finding

__all__ = ["Finding", "examine"]
