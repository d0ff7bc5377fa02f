"""Cases tables: what is read, and what is told where it cannot be."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from prldh.core.errors import DataError
from prldh.data.imaging.cases import read_cases, split_series


def _table(folder: Path, text: str, name: str = "cases.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_patient_may_have_several_rows_and_paths_are_relative_to_the_table(tmp_path):
    table = _table(
        tmp_path,
        "patient_id,image,mask,label,segment\nP1,a b.nii.gz,m.nii.gz,1.0,\nP1,a"
        f" b.nii.gz,m.nii.gz,,L4/5\nP2,{tmp_path}/ä.mha,x.mha,3,\n",
    )
    rows = read_cases(table, "disc", "patient_id")
    assert [(r.patient, r.line, r.label, r.segment) for r in rows] == [
        ("P1", 2, 1, None),
        ("P1", 3, None, "L4/5"),
        ("P2", 4, 3, None),
    ]
    assert (
        rows[0].image == tmp_path / "a b.nii.gz"
        and rows[2].image == tmp_path / "ä.mha"
        and rows[0].masks == (tmp_path / "m.nii.gz",)
    )
    assert {r.tissue for r in rows} == {"disc"}


def test_two_readers_and_the_study_s_own_name_of_the_id(tmp_path):
    table = _table(tmp_path, "Fall,patient_id,image,mask_reader1,mask_reader2\n7,x,i.nii,m1.nii,m2.nii\n")
    (one,) = read_cases(table, "disc", "Fall", readers=2)
    assert one.patient == "7" and [m.name for m in one.masks] == ["m1.nii", "m2.nii"]
    (other,) = read_cases(table, "disc", "Nummer")
    assert other.patient == "x", "patient_id is taken where the study's name is not there"


@pytest.mark.parametrize("ending", [".tsv", ".xlsx", ".parquet"])
def test_other_kinds_of_table(tmp_path, ending):
    frame = pd.DataFrame(
        {"patient_id": [1, 2], "image": ["a.nii", "b.nii"], "mask": ["c.nii", "d.nii"], "label": [1.0, None]}
    )
    path = tmp_path / f"cases{ending}"
    {
        ".tsv": lambda: frame.to_csv(path, sep="\t", index=False),
        ".xlsx": lambda: frame.to_excel(path, index=False),
        ".parquet": lambda: frame.to_parquet(path),
    }[ending]()
    assert [(r.patient, r.label) for r in read_cases(path, "disc", "patient_id")] == [("1", 1), ("2", None)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("patient_id,image,mask,label\nP1,a,b,1\nP2,a2,b,one\n", ["row 3", "P2", "'one'", "whole number"]),
        ("patient_id,image,mask,label\nP1,a,b,1.5\n", ["row 2", "'1.5'", "whole number"]),
        ("patient_id,image,mask,label\nP1,a,b,0\n", ["'0'", "above 0"]),
        ("patient_id,image,mask,label\nP1,a,b,inf\n", ["'inf'", "whole number"]),
        ("patient_id,image,mask,label\nP1,a,b,1_0\n", ["'1_0'", "whole number"]),
        ("patient_id,image,mask\nP1,,b\nP2,,c\n", ["'image'", "row 2, 3"]),
        ("patient_id,image,mask\n,a,b\n", ["'patient_id'", "row 2"]),
        ("patient_id,image,mask_reader1,mask_reader2\nP1,a,b,\n", ["'mask_reader2'", "row 2"]),
        ("patient_id,image,mask_reader1\nP1,a,b\n", ["mask_reader1", "alone"]),
        ("patient_id,image,mask,mask_reader1\nP1,a,b,c\n", ["'mask'", "'mask_reader1'"]),
        ("patient_id,image\nP1,a\n", ["no column 'mask'"]),
        (
            "patient_id,image,mask_1,mask_2\nP1,a,b,c\n",
            ["nor 'mask_reader1' and 'mask_reader2'", "columns: patient_id, image, mask_1, mask_2"],
        ),
        ("patient_id,bild,mask\nP1,a,b\n", ["no column 'image'"]),
        ("ID,image,mask\nP1,a,b\n", ["no column 'patient_id'"]),
        ("patient_id,image,mask\nP1,a,b\nP1,a,b\n", ["P1", "rows 2 and 3"]),
    ],
)
def test_what_is_wrong_is_told_once_with_its_place(tmp_path, text, expected):
    with pytest.raises(DataError) as caught:
        read_cases(_table(tmp_path, text), "disc", "patient_id")
    message = str(caught.value)
    assert "cases.csv" in message and "\n" not in message
    for part in expected:
        assert part in message


def test_the_number_of_readers_can_be_asked_for(tmp_path):
    with pytest.raises(DataError, match="1 reader"):
        read_cases(_table(tmp_path, "patient_id,image,mask\nP1,a,b\n"), "disc", "patient_id", readers=2)


def test_an_accent_in_another_form_of_unicode_is_found(tmp_path):
    (tmp_path / unicodedata.normalize("NFD", "Müller é.nii")).write_bytes(b"x")
    table = _table(tmp_path, f"patient_id,image,mask\nP1,{unicodedata.normalize('NFC', 'Müller é.nii')},m.nii\n")
    assert read_cases(table, "disc", "patient_id")[0].image.is_file()


def test_paths_written_on_windows_and_from_the_home_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for folder in ("sub", "home"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a b.nii").write_bytes(b"x")
    table = _table(tmp_path, "patient_id,image,mask\r\nP1,sub\\a b.nii,~/a b.nii\r\n")
    found = read_cases(table, "disc", "patient_id")[0]
    assert found.image == tmp_path / "sub" / "a b.nii" and found.masks == (tmp_path / "home" / "a b.nii",)
    strange = read_cases(_table(tmp_path, "patient_id,image,mask\nP1,none\\a.nii,~/none.nii\n"), "disc", "patient_id")[
        0
    ]
    assert strange.image == tmp_path / "none\\a.nii"  # not found: as it stands in the table


def test_a_series_is_told_from_a_folder_whose_name_has_a_hash(tmp_path):
    (tmp_path / "Fall #1").mkdir()
    assert split_series(tmp_path / "Fall #1") == (tmp_path / "Fall #1", None)
    assert split_series(tmp_path / "Fall #1#1.2.840.3") == (tmp_path / "Fall #1", "1.2.840.3")
    assert split_series(tmp_path / "no#uid here") == (tmp_path / "no#uid here", None)
