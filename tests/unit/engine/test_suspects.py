"""Models whose loading has ended the process."""

from __future__ import annotations

from consumer.engine.suspects import Suspects, pause_s


def test_pauses_grow_from_the_second_death_in_a_row_up_to_ten_minutes() -> None:
    assert [pause_s(deaths) for deaths in range(1, 8)] == [0, 30, 60, 120, 240, 480, 600]


def test_one_death_isolates_a_model_and_a_second_keeps_it_out_for_a_while() -> None:
    suspects = Suspects()
    suspects.add_death("a", 0)
    assert suspects.names == {"a"}
    assert not suspects.barred(0)
    suspects.add_death("a", 10)
    assert suspects.barred(39) == {"a"}
    assert not suspects.barred(40)
    suspects.clear("a")
    assert not suspects.names | suspects.barred(10)
