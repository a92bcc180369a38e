"""Reading a bundle's folder: every file is what its manifest says, or a sentence tells what is wrong and what to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from features.spec import FeatureSpec, SpecError
from features.text import TextEncoder, TextEncoderError
from models.manifest import FORMAT, FORMAT_VERSION, Manifest

MANIFEST, FEATURES, TEXT = "manifest.json", "features.json", "text.npz"


class BundleError(ValueError):
    """A bundle that cannot be used, or rows that do not fit it; the text says why and what to do."""


@dataclass(frozen=True)
class BundleFiles:
    """The checked contents of a folder, by name."""

    folder: Path
    manifest: Manifest
    contents: Mapping[str, bytes]

    @classmethod
    def read(cls, folder: Path) -> BundleFiles:
        """The files that the manifest lists, each with the hash it had when the bundle was written."""
        manifest = _read_manifest(folder)
        return cls(folder, manifest, {name: _checked(folder, name, digest) for name, digest in manifest.files.items()})

    def text(self, name: str) -> str:
        """The text of a file that every bundle of this kind needs."""
        if name not in self.contents:
            raise BundleError(
                f"{self.folder}: the manifest does not list {name}, which bundles like this need. Train again."
            )
        return self.contents[name].decode()

    def parsed(self, name: str) -> Any:
        """The JSON of a file that every bundle of this kind needs."""
        return json.loads(self.text(name))

    def spec(self) -> FeatureSpec:
        """The feature specification, which must be that of the manifest."""
        try:
            spec = FeatureSpec.from_json(self.text(FEATURES))
        except SpecError as fault:
            raise BundleError(f"{self.folder / FEATURES}: {fault}") from fault
        if spec.fingerprint != self.manifest.spec_fingerprint:
            raise BundleError(
                f"{self.folder}: the feature specification has fingerprint {spec.fingerprint}, the model was trained on "
                f"{self.manifest.spec_fingerprint}. The features of this program are not those of the model: train again."
            )
        return spec

    def encoder(self, spec: FeatureSpec) -> TextEncoder | None:
        """The encoder of the specification's text features; None where it has none."""
        if TEXT not in self.contents:
            found = None
        else:
            try:
                found = TextEncoder.from_npz_bytes(self.contents[TEXT])
            except TextEncoderError as fault:
                raise BundleError(f"{self.folder / TEXT}: {fault}") from fault
        try:
            spec.check_text(found)
        except SpecError as fault:
            raise BundleError(f"{self.folder}: {fault}. Copy the whole folder again, or train again.") from fault
        return found


def digest_of(content: bytes) -> str:
    """The sha256 of a content, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def as_json(data: Any) -> str:
    """JSON with sorted keys: the same text for the same data."""
    return json.dumps(data, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(f"{folder} is not a model bundle: it has no {MANIFEST}. Train one: slacast train breach.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise BundleError(
            f"{path} is not JSON ({fault}). The bundle is damaged: train again or copy it again."
        ) from fault
    found = (data.get("format"), data.get("format_version")) if isinstance(data, dict) else (None, None)
    if found != (FORMAT, FORMAT_VERSION):
        raise BundleError(
            f"{path}: format {found[0]!r} version {found[1]!r} is unknown here; this program reads {FORMAT!r} version "
            f"{FORMAT_VERSION}. Use the program that wrote it, or train again."
        )
    try:
        return Manifest.model_validate(data)
    except ValidationError as fault:
        raise BundleError(f"{path} is not a valid manifest: {fault}") from fault


def _checked(folder: Path, name: str, digest: str) -> bytes:
    path = folder / name
    if not path.is_file():
        raise BundleError(f"{folder}: {name} is missing, though the manifest lists it. Copy the whole folder again.")
    content = path.read_bytes()
    if digest_of(content) != digest:
        raise BundleError(
            f"{path} was altered after training: its sha256 is {digest_of(content)[:12]}..., the manifest says {digest[:12]}.... "
            "Copy the bundle again from the registry, or train again."
        )
    return content
