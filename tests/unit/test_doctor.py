"""What ``prldh doctor`` says beside what is installed."""

from __future__ import annotations

import pytest

from prldh.doctor import _examine_completion


@pytest.mark.parametrize(("shell", "file"), [("bash", ".bashrc"), ("zsh", ".zshrc"), ("fish", "prldh.fish")])
def test_completion_is_told_with_the_line_and_the_file_of_the_shell(shell, file, tmp_path, monkeypatch):
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    monkeypatch.setenv("HOME", str(tmp_path))
    told = _examine_completion()
    assert told.startswith("optional") and file in told and f"_PRLDH_COMPLETE={shell}_source prldh" in told


def test_a_shell_without_completion_is_named(monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/ksh")
    assert "not known of ksh" in _examine_completion()
