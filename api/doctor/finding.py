"""One line of the doctor's report. Knows no check."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from api.settings import Settings
from graph.home import Home

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    """One line of the report: `state` is ok, warn or fail; `mend` is empty where there is nothing to mend."""

    name: str
    state: str
    words: str
    mend: str = ""

    def line(self) -> str:
        mend = f"\n        {self.mend}." if self.mend else ""
        return f"{self.state:<4}  {self.name}: {self.words}{mend}"


Check = Callable[[Home, Settings], Iterator[Finding]]
