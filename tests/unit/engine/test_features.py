"""Features in stretches equal faster-whisper's, which come from the whole file at once."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from consumer.engine.blockwise import find_layout
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
def test_up_to_ten_minutes_they_are_equal_to_the_last_bit(samples: int, mels: int) -> None:
    audio = noise(samples)
    ours = BoundedExtractor(feature_size=mels)(lazy(audio))
    direct = FeatureExtractor(feature_size=mels)(audio)
    assert ours.shape == direct.shape
    assert np.array_equal(np.asarray(ours), direct)


def test_a_short_file_in_the_midst_of_a_window_is_cut_like_an_array() -> None:
    audio = noise(300_000)
    direct = FeatureExtractor()(audio)
    assert np.array_equal(np.asarray(BoundedExtractor()(lazy(audio))[..., 500:-1]), direct[..., 500:-1])


@pytest.mark.parametrize("samples", [7680 * 160 * 2, 7680 * 160 * 3 + 77, 6401 * 160, 12_345_678])
def test_block_by_block_they_are_equal_where_blas_lets_itself_be_understood(samples: int) -> None:
    audio = noise(samples)
    extractor = BoundedExtractor()
    layout = find_layout(*extractor.mel_filters.shape)
    if layout is None:
        pytest.skip("no way was found to multiply in blocks on this processor: long files are computed as a whole")
    spectrum = Spectrum(extractor, lazy(audio))
    features = LazyArray.of(Blocks(spectrum, extractor.mel_filters, layout), spectrum.frames, (80,))
    direct = FeatureExtractor()(audio)
    assert features.shape == direct.shape
    assert np.array_equal(np.asarray(features), direct)
    assert np.array_equal(np.asarray(features[:, 5000:8000]), direct[:, 5000:8000])


def test_beyond_ten_minutes_nothing_is_kept_but_a_few_blocks() -> None:
    silence = LazyArray((), ()).of(Given(np.zeros(HOUR, np.float32)), HOUR)
    features = BoundedExtractor()(silence)
    assert isinstance(features, LazyArray) is (find_layout(80, 201) is not None)
    assert features.shape == (80, 360_001)


def test_audio_that_is_an_array_is_left_to_faster_whisper() -> None:
    audio = noise(16_000)
    assert np.array_equal(BoundedExtractor()(audio), FeatureExtractor()(audio))
    assert BoundedExtractor()(np.zeros(0, np.float32)).shape == FeatureExtractor()(np.zeros(0, np.float32)).shape


def test_another_padding_is_a_defect() -> None:
    with pytest.raises(TypeError):
        BoundedExtractor()(lazy(noise(100)), padding=0)
