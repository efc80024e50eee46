"""Features in stretches equal faster-whisper's, which come from the whole file at once."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from consumer.engine.features import Blocks, BoundedExtractor, Spectrum
from consumer.engine.lazy import Floats, Given, LazyArray

HOUR = 3600 * 16_000


def noise(samples: int, *, seed: int = 1) -> Floats:
    values = np.random.default_rng(seed).normal(0, 2000, samples) * np.sin(np.arange(samples) / 50_000)
    return values.astype(np.int16).astype(np.float32) / np.float32(32768)


def lazy(values: Floats) -> LazyArray:
    return LazyArray.of(Given(values), len(values))


@pytest.mark.parametrize("mels", [80, 128])
@pytest.mark.parametrize(
    "samples", [100, 201, 1600, 479_999, 480_000, 480_001, 1_300_777, 7680 * 160, 7680 * 160 * 2 + 159]
)
def test_up_to_half_an_hour_they_are_equal_to_the_last_bit(samples: int, mels: int) -> None:
    audio = noise(samples)
    ours = BoundedExtractor(feature_size=mels)(lazy(audio))
    direct = FeatureExtractor(feature_size=mels)(audio)
    assert ours.shape == direct.shape
    assert np.array_equal(np.asarray(ours), direct)


def test_a_short_file_in_the_midst_of_a_window_is_cut_like_an_array() -> None:
    audio = noise(300_000)
    direct = FeatureExtractor()(audio)
    assert np.array_equal(np.asarray(BoundedExtractor()(lazy(audio))[..., 500:-1]), direct[..., 500:-1])


@pytest.mark.parametrize("samples", [7680 * 160 * 2, 7680 * 160 * 3 + 77])
def test_block_by_block_they_are_equal_but_for_the_order_of_sums(samples: int) -> None:
    audio = noise(samples)
    extractor = BoundedExtractor()
    spectrum = Spectrum(extractor, lazy(audio))
    blocks = LazyArray.of(Blocks(spectrum, extractor.mel_filters), spectrum.frames, (80,))
    direct = FeatureExtractor()(audio)
    assert blocks.shape == direct.shape
    assert np.abs(np.asarray(blocks) - direct).max() <= np.finfo(np.float32).eps * 2
    assert np.array_equal(np.asarray(blocks[:, 7000:10_000]), np.asarray(blocks)[:, 7000:10_000])


def test_beyond_half_an_hour_nothing_is_kept_but_a_few_blocks() -> None:
    silence = LazyArray((), ()).of(Given(np.zeros(HOUR, np.float32)), HOUR)
    features = BoundedExtractor()(silence)
    assert isinstance(features, LazyArray)
    assert features.shape == (80, 360_001)


def test_audio_that_is_an_array_is_left_to_faster_whisper() -> None:
    audio = noise(16_000)
    assert np.array_equal(BoundedExtractor()(audio), FeatureExtractor()(audio))
    assert BoundedExtractor()(np.zeros(0, np.float32)).shape == FeatureExtractor()(np.zeros(0, np.float32)).shape


def test_another_padding_is_a_defect() -> None:
    with pytest.raises(TypeError):
        BoundedExtractor()(lazy(noise(100)), padding=0)
