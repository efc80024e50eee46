"""Ages by an observer's own clock."""

from consumer.core.sightings import Sightings


def test_an_object_ages_from_when_it_was_first_seen_until_it_changes() -> None:
    sightings = Sightings()
    assert sightings.age_s("s3://bkt/a", "1", 100) == 0
    assert sightings.age_s("s3://bkt/a", "1", 107) == 7
    assert sightings.age_s("s3://bkt/b", "1", 108) == 0
    assert sightings.age_s("s3://bkt/a", "2", 109) == 0
    assert sightings.age_s("s3://bkt/a", "2", 110) == 1


def test_what_was_forgotten_is_seen_for_the_first_time() -> None:
    sightings = Sightings()
    sightings.age_s("s3://bkt/a", "1", 0)
    sightings.forget("s3://bkt/a")
    assert sightings.age_s("s3://bkt/a", "1", 5) == 0


def test_of_very_many_objects_those_that_changed_longest_ago_are_forgotten() -> None:
    sightings = Sightings()
    for number in range(10_001):
        sightings.age_s(f"s3://bkt/{number}", "1", 0)
    assert sightings.age_s("s3://bkt/1", "1", 5) == 5
    assert sightings.age_s("s3://bkt/0", "1", 5) == 0
