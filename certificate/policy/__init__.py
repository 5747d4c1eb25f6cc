"""Policies: an organisation's question as data, and the one function that answers it from shown claims.

language  what a policy says, as values             grammar   the text of a rule, read
parsing   a policy file, checked                    months    what shown strips say about each month
evaluate  the answer: true, false or undetermined   least     the smallest set of claims that decides
wording   what an answer rests on, in sentences     shipped   the policies shipped as examples
"""
