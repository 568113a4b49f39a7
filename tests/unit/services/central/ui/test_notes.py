"""What a scan could not see, in sentences."""

from __future__ import annotations

from pyrox.pb.storage.image_pb2 import ImageScan
from pyrox.pb.storage.image_v2_pb2 import ImageV2
from services.central.ui.notes import sentences


def test_sentences_of_a_whole_scan_are_none() -> None:
    assert sentences(ImageV2(notes=[ImageV2.MISSING_SIGNATURE])) == []


def test_sentences_are_whole_and_each_once() -> None:
    image = ImageV2(notes=[ImageV2.MISSING_METADATA, ImageV2.MISSING_METADATA])
    image.scan.notes.extend([ImageScan.OS_CVES_UNAVAILABLE, ImageScan.UNSET])
    found = sentences(image)
    assert len(found) == 2
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in found)


def test_every_note_of_a_scan_has_a_sentence() -> None:
    for note in ImageScan.Note.values():
        image = ImageV2()
        image.scan.notes.append(note)
        assert bool(sentences(image)) == (note != ImageScan.UNSET), ImageScan.Note.Name(note)
