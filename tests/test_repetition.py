"""What goes in circles, and what only looks like it."""

from __future__ import annotations

import pytest

from search.repetition import circles


@pytest.mark.parametrize(
    "text",
    [
        "It is kept. This function is" + " called by the function" * 4,
        "- one more of the same kind\n" * 4,
        "The harbour was closed because of the storm. " * 4,
        "港口因暴风雨而关闭了，船只都留在港口里。" * 4,
    ],
)
def test_the_same_words_again_and_again(text: str) -> None:
    """Four times in a row, wherever the text began."""
    assert circles(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The harbour was closed because of the storm. " * 3,
        "| false | false | false | false | false | false | false | false |",
        "| --- " * 40,
        "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0",
        "\n" * 200,
        "=" * 200,
        "1. Open the first file.\n2. Open the second file.\n3. Open the third file.\n4. Open the fourth file.\n",
    ],
)
def test_what_an_answer_may_say(text: str) -> None:
    """Tables, numbers, rules and lists repeat themselves and mean it."""
    assert not circles(text)
