"""Near-duplicates stay on one side of a split."""

from brain.groups import folds, groups

TEXTS = ["我要解绑尾号1234的卡", "我要解绑尾号5678的卡", "今天天气怎么样", "please unbind my card", "please unbind my card now", "where is my parcel"]


def test_alike_share_a_group():
    group = groups(TEXTS)
    assert group[0] == group[1] and group[3] == group[4]
    assert len({group[0], group[2], group[3], group[5]}) == 4


def test_no_group_is_split():
    fold = folds(groups(TEXTS), 3)
    assert fold[0] == fold[1] and fold[3] == fold[4]
    assert (folds(groups(TEXTS), 3) == fold).all()
