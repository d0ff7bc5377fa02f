"""Kernels compiled once by numba and kept as machine code, which is loaded without numba.

numba takes a second of every process to import and to find its own cache, longer than a small case takes to measure.
Here a kernel says the types of its arguments; all kernels of a package are compiled together at their first use on a
machine, and the object code is kept beside the source (or in the user's cache folder). Later processes load it by
llvmlite, which numba stands on, in a tenth of the time. Where it cannot be kept or loaded, numba's own functions are
called: the same code.

A kernel allocates nothing, returns nothing and raises nothing: it fills the arrays that it is given.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.metadata
import marshal
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from prldh.api import cache_folder, write_whole

#: What compiled code refers to by these beginnings is called where it raises or allocates, which it never does.
NEVER_CALLED = ("NRT_", "numba_", "Py")
#: Of LLVM's own functions those that are instructions of 64-bit processors, whichever it chooses for one of them, and
#: those of the C library that it may call or unfold.
INSTRUCTIONS = set(
    """
    abs fabs smax smin umax umin sqrt uadd usub umul sadd ssub smul ctpop ctlz cttz bswap bitreverse fshl fshr
    vector masked x86 aarch64 lifetime assume
    """.split()
)
TOO_WIDE = ".i128"
FROM_C = {"exp", "log", "log2", "memcpy", "memmove", "memset", "sqrt", "floor", "ceil", "trunc", "rint"}
_NUMBA = {"f8": "float64", "i8": "int64", "i4": "int32", "u2": "uint16", "u1": "uint8"}


class Kernel:
    """A function of arrays (``f8[:,:]``: double precision, two axes, contiguous) and numbers (``f8``, ``i8``)."""

    def __init__(self, function: Callable[..., None], types: Sequence[str]) -> None:
        self.function, self.types = function, tuple(types)
        self.__doc__, self.__name__ = function.__doc__, function.__name__
        self._dtypes = [np.dtype(t.partition("[")[0]) if "[" in t else None for t in types]
        self._axes = [t.count(":") for t in types]
        self._native: Callable[..., Any] | None = None
        _KERNELS.append(self)

    def __call__(self, *given: Any) -> None:
        """Call it with the types that it says.

        Raises
        ------
        TypeError
            For an array of another type, of other axes, or that is not contiguous: memory would be read as what it is
            not.
        """
        if self._native is None:
            _bind()
        native = self._native
        assert native is not None
        places: list[Any] = []
        for value, dtype, axes in zip(given, self._dtypes, self._axes, strict=True):
            if dtype is None:
                places.append(value)
                continue
            if value.dtype != dtype or value.ndim != axes or not value.flags.c_contiguous:
                raise TypeError(f"{self.__name__}: {dtype} with {axes} axes, found {value.dtype} {value.shape}")
            places.append(value.__array_interface__["data"][0])
            places += value.shape
        native(*places)

    def bind(self, address: int) -> None:
        """Call what lies at an address from now on."""
        kinds: list[Any] = []
        for t, axes in zip(self.types, self._axes, strict=True):
            kinds += (
                [ctypes.c_void_p, *[ctypes.c_int64] * axes]
                if axes
                else [ctypes.c_double if t == "f8" else ctypes.c_int64]
            )
        self._native = ctypes.CFUNCTYPE(None, *kinds)(address)

    def compile(self) -> Any:
        """numba's C callback of it, whose arguments are pointers and sizes."""
        from numba import carray, cfunc, njit, types

        names, inner, kinds = [], [], []
        for i, (t, axes) in enumerate(zip(self.types, self._axes, strict=True)):
            kind = getattr(types, _NUMBA[t.partition("[")[0]])
            own = [f"a{i}_{k}" for k in range(axes)]
            names += [f"a{i}", *own]
            inner.append(f"carray(a{i}, ({', '.join(own)},))" if axes else f"a{i}")
            kinds += [types.CPointer(kind), *[types.int64] * axes] if axes else [kind]
        scope = {"carray": carray, "function": njit(error_model="numpy", nogil=True)(self.function)}
        exec(f"def call({', '.join(names)}):\n    function({', '.join(inner)})", scope)
        return cfunc(types.void(*kinds), error_model="numpy")(scope["call"])


def kernel(*types: str) -> Callable[[Callable[..., None]], Kernel]:
    """A decorator: the function is compiled for these types of its arguments."""
    return lambda function: Kernel(function, types)


_KERNELS: list[Kernel] = []
#: What must not be collected while its code may be called.
_HELD: list[Any] = []


def _bind() -> None:
    _KERNELS.sort(key=lambda one: (one.function.__module__, one.__name__))  # whatever was imported first
    place = _place()
    if place is not None and _load(place):
        return
    compiled = [kernel.compile() for kernel in _KERNELS]
    _HELD.append(compiled)
    for one, callback in zip(_KERNELS, compiled, strict=True):
        one.bind(callback.address)
    if place is not None:
        with suppress(Exception):  # kept or not, the kernels are there
            _keep(compiled, place)


def _place() -> Path | None:
    """Where the code of these sources for this machine is kept, by a digest of both."""
    try:
        import llvmlite.binding as llvm

        digest = hashlib.sha256(repr([(k.__name__, k.types) for k in _KERNELS]).encode())
        for module in sorted({k.function.__module__ for k in _KERNELS}):
            digest.update(Path(str(sys.modules[module].__file__)).read_bytes())
        digest.update(Path(__file__).read_bytes())
        versions = [importlib.metadata.version(name) for name in ("numba", "llvmlite", "numpy")]
        machine = [llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()]
        digest.update(repr([sys.version, versions, machine]).encode())
        beside = Path(__file__).parent / "__pycache__"
        # where Python keeps no code, the folder is made here, as numba makes it
        has_place = os.access(beside if beside.exists() else beside.parent, os.W_OK)
        folder = beside if has_place else cache_folder("kernels")
        return folder / f"kernels.{digest.hexdigest()[:32]}.code"
    except Exception:  # no llvmlite of its own, sources in an archive: numba does without
        return None


def _keep(compiled: Sequence[Any], place: Path) -> None:
    """Keep it where everything that it refers to is known."""
    names = {
        f.name
        for callback in compiled
        for f in (*callback._library._final_module.functions, *callback._library._final_module.global_variables)
        if f.is_declaration
    }
    outside = set()
    for name in names:
        is_llvm = name.startswith("llvm.")
        plain = name.split(".")[1] if is_llvm else name
        if is_llvm and plain in INSTRUCTIONS and TOO_WIDE not in name:
            continue
        if not plain.startswith(NEVER_CALLED) and plain not in FROM_C:
            return
        outside.add(plain)
    code = [(c.native_name, c._library._get_compiled_object()) for c in compiled]
    body = marshal.dumps((sorted(outside), code))
    write_whole(place, hashlib.sha256(body).digest() + body, mode=0o600)


def _load(place: Path) -> bool:
    try:
        import llvmlite.binding as llvm

        kept = place.read_bytes()
        if hashlib.sha256(kept[32:]).digest() != kept[:32]:
            return False
        outside, code = marshal.loads(kept[32:])
        engine = _engine(outside)
        for _, body in code:
            engine.add_object_file(llvm.ObjectFileRef.from_data(body))
        engine.finalize_object()
        addresses = [engine.get_function_address(name) for name, _ in code]
    except Exception:  # not kept, damaged, or of no use to this llvmlite: numba compiles
        return False
    _HELD.append(engine)
    for one, address in zip(_KERNELS, addresses, strict=True):
        one.bind(address)
    return True


def _engine(outside: Sequence[str]) -> Any:
    """What places code in memory, told where these functions are. What is never called is defined in this engine alone:
    a symbol that is added is the process's, and numba's own code would find it in place of numba's."""
    import llvmlite.binding as llvm

    with suppress(Exception):  # newer versions do it themselves
        llvm.initialize()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    library = ctypes.CDLL(None)
    for name in outside:
        if not name.startswith(NEVER_CALLED) and llvm.address_of_symbol(name) is None:
            llvm.add_symbol(name, ctypes.cast(getattr(library, name), ctypes.c_void_p).value)
    never = "".join(
        f'define void @"{name}"() {{\n  call void @abort()\n  unreachable\n}}\n'
        for name in outside
        if name.startswith(NEVER_CALLED)
    )
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    return llvm.create_mcjit_compiler(llvm.parse_assembly(f"declare void @abort()\n{never}"), machine)
