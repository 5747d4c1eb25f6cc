"""What becomes of certificates after they were minted: nobody at the bureau ends or lifts one alone.

operators   who may open and approve      statement  what they sign
rows        cases in the register         cases      opening, approving, executing
changed     whose months an import changed           report  the supervisor's figures
"""
