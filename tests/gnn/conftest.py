"""One small world and one quickly fitted model for the tests that only look."""

import pytest
import small_mail

from gnn.model import RiskModel


@pytest.fixture(scope="session")
def lesson() -> small_mail.Lesson:
    return small_mail.lesson()


@pytest.fixture(scope="session")
def model(lesson: small_mail.Lesson) -> RiskModel:
    return lesson.fit()
