// Version and the notices that the data's owners ask for.
import { Content, Modal, ModalBody, ModalHeader, ModalVariant } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';

import { queries } from '@/api/queries';
import { Facts } from '@/components/Facts';
import { sentence } from '@/lib/format';

export function AboutBox({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
    const { data } = useQuery(queries.metadata());
    const { data: database } = useQuery({ ...queries.databaseStatus(), enabled: isOpen });
    return (
        <Modal variant={ModalVariant.medium} isOpen={isOpen} onClose={onClose} aria-labelledby="about-title">
            <ModalHeader title="About PyRox" labelId="about-title" />
            <ModalBody>
                <Facts
                    facts={[
                        ['Compatible with version', data?.version],
                        ['Build', data === undefined ? '-' : sentence(data.buildFlavor)],
                        ['Database', database === undefined ? '-' : database.databaseAvailable ? 'Available' : 'Unavailable'],
                    ]}
                />
                <Content className="rox-about">
                    <h2>Vulnerability data</h2>
                    <p>This product uses the NVD API but is not endorsed or certified by the NVD.</p>
                    <p>
                        Advisories come from OSV, whose records keep the licences of their sources (among them GitHub
                        Advisory Database, CC BY 4.0, and PyPA Advisory Database, CC BY 4.0), from the Debian security
                        tracker, Alpine secdb and Red Hat security data (CC BY 4.0). Known exploited vulnerabilities are
                        listed by CISA; exploit probabilities are by FIRST EPSS.
                    </p>
                    <h2>Open source</h2>
                    <p>
                        PyRox speaks the protocols of the open-source StackRox project. Red Hat and other names are marks
                        of their owners, who have no part in this product. The portal is built on PatternFly, React and
                        TanStack libraries (MIT); its typefaces are under the SIL Open Font License.
                    </p>
                </Content>
            </ModalBody>
        </Modal>
    );
}
